// Stands in for Workers AI: answers from a file, the same for everybody, and says that it is a recording.

export default function binding({ RECORDINGS }) {
  return {
    async run(model, inputs = {}) {
      const recorded = RECORDINGS[model];
      if (recorded === undefined) {
        throw new Error(`There is no recording for model ${model}; add one to bulkhead/localclouds/cloudflare/ai_recordings.json.`);
      }
      const question = lastQuestion(inputs);
      const match = recorded.find(({ asked }) => asked === undefined || question.includes(asked.toLowerCase()));
      if (match === undefined) throw new Error(`No recording for model ${model} answers this question.`);
      return inputs.stream ? asEvents(match.answer) : { ...match.answer };
    },
  };
}

function lastQuestion({ messages, prompt }) {
  const text = prompt ?? messages?.filter(({ role }) => role === "user").at(-1)?.content ?? "";
  return String(text).toLowerCase();
}

// The wire form of a streamed answer: server-sent events that end with [DONE].
function asEvents(answer) {
  const text = new TextEncoder().encode(`data: ${JSON.stringify(answer)}\n\ndata: [DONE]\n\n`);
  return new Blob([text]).stream();
}
