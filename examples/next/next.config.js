/** Deployments copy only files that routes are known to need: Vercel, and `output: "standalone"`. */
export default { outputFileTracingIncludes: { "/*": ["./rate-sync.toml"] } };
