# frozen_string_literal: true

require "securerandom"

# The master reads this file, and every mold that boots the app inherits the master's environment: without a secret from
# outside, this one lasts as long as the server.
ENV["SECRET_KEY_BASE"] ||= SecureRandom.hex(64)

worker_processes Integer(ENV.fetch("WEB_CONCURRENCY", 2))
refork_after [50, 100, 1000]

disconnect = -> { ActiveRecord::Base.connection_handler.clear_all_connections! }

# A database connection belongs to the process that opened it: two processes on one would read each other's answers, and SQLite
# loses its locks. So nobody forks with one open: not the mold, which opened one while booting or was a worker before ...
after_mold_fork { |_server, _mold| disconnect.call }

# ... and not the process that is about to fork.
before_fork { |_server| disconnect.call }

# The worker connects before its first request has to wait for it.
after_worker_fork { |_server, _worker| ActiveRecord::Base.connection_pool.with_connection(&:verify!) }
