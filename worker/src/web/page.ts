import type { Stage } from "../shared/stage.ts";

export function homePage(stage: Stage): Response {
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Harbor</title>
</head>
<body>
<h1>Harbor</h1>
<p>Book a place, ask a question.</p>
<ul>
<li><a href="/health">How this stage is doing</a></li>
<li><code>POST /api/bookings</code> books, <code>GET /api/bookings/:id</code> shows a booking.</li>
<li><code>POST /api/chat</code> asks, <code>GET /api/chat/:id</code> shows a conversation.</li>
</ul>
<p><small>${escaped(stage.ENVIRONMENT)}, release ${escaped(stage.RELEASE)}</small></p>
</body>
</html>
`;
  return new Response(html, {
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Cache-Control": "no-cache",
      "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      "Referrer-Policy": "no-referrer",
      "X-Content-Type-Options": "nosniff",
    },
  });
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
