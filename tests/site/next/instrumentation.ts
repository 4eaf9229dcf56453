// instrumentation.ts: checks the settings when the server starts, and not during `next build`.
export async function register() {
  if (process.env.NEXT_RUNTIME !== "nodejs") return;
  const { settings } = await import("@/lib/fastcore");
  try {
    settings();
  } catch (error) {
    // Thrown, it would answer every page of the site with 500.
    console.error(JSON.stringify({ event: "contact_not_set_up", cause: String(error) }));
  }
}
