import type { NextConfig } from "next";

const nextConfig: NextConfig = {
  experimental: { serverActions: { bodySizeLimit: "64kb" } }, // what a form without JavaScript may send
};

export default nextConfig;
