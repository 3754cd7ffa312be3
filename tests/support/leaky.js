export default {
  async fetch() {
    const answer = await fetch("https://elsewhere.example/collect").catch((error) => error);
    return new Response(String(answer.status ?? answer));
  },
};
