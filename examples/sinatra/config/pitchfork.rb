# frozen_string_literal: true

require "securerandom"

# The master reads this file, and every mold that boots the app inherits the master's environment: without a secret from
# outside, this one lasts as long as the server.
ENV["SESSION_SECRET"] ||= SecureRandom.hex(64)

worker_processes Integer(ENV.fetch("WEB_CONCURRENCY", 2))
refork_after [50, 100, 1000]
