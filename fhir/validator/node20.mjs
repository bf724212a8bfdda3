// @medplum/core names the WebSocket class while it loads; Node 20 has none.
globalThis.WebSocket ??= class {};
