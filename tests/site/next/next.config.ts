import type { NextConfig } from "next";

const nextConfig: NextConfig = {
  cacheComponents: true,
  partialPrefetching: true,
  // What a form without JavaScript may send.
  experimental: { serverActions: { bodySizeLimit: "64kb" } },
};

export default nextConfig;
