# frozen_string_literal: true

module Pitchfork
  class Configuration
    # The callbacks, in the order in which a server's life meets them.
    CALLBACKS = [
      Setting.new(
        :after_monitor_ready, aliases: [:after_master_ready], arguments: [:server],
        process: "master", doc: "All first workers are ready."
      ),
      Setting.new(
        :before_fork, arguments: [:server],
        process: "mold, worker", doc: "A mold is about to fork a worker, or a worker is about to fork a mold."
      ),
      Setting.new(
        :after_mold_fork, arguments: %i[server mold],
        process: "mold", doc: "This process has just become a mold, the boot mold included."
      ),
      Setting.new(
        :mold_check, arguments: %i[mold],
        process: "mold", doc: "This mold is about to be used. An exception, or `false` as the answer, prevents it."
      ),
      Setting.new(
        :after_worker_fork, arguments: %i[server worker],
        process: "worker", doc: "A new worker starts: the place to reconnect what must not be shared."
      ),
      Setting.new(
        :after_worker_ready, arguments: %i[server worker],
        process: "worker", doc: "A new worker is about to serve."
      ),
      Setting.new(
        :after_worker_timeout, arguments: %i[server worker info],
        process: "worker",
        doc: "A request passed its soft deadline; `info` has `thread`, `rack_env` and `copy_thread_variables!`. " \
             "In a thread of its own; the worker ends when it returns."
      ),
      Setting.new(
        :after_worker_hard_timeout, arguments: %i[server worker],
        process: "master", doc: "A request passed its hard deadline; the worker is killed next."
      ),
      Setting.new(
        :after_worker_exit, arguments: %i[server worker status],
        process: "master", doc: "A worker is gone; `status` is its `Process::Status`."
      ),
      Setting.new(
        :before_worker_exit, arguments: %i[server worker],
        process: "worker", doc: "This worker is about to leave."
      ),
      Setting.new(
        :after_request_complete, arguments: %i[server worker env],
        process: "worker", doc: "A response was sent and its own callbacks have run."
      ),
      Setting.new(
        :before_service_worker_ready, arguments: %i[server service_worker],
        process: "service worker",
        doc: "A service worker is about to be ready: the place to start its threads, see [service-workers.md](service-workers.md)."
      ),
      Setting.new(
        :before_service_worker_exit, arguments: %i[server service_worker],
        process: "service worker", doc: "A service worker is about to leave."
      )
    ].freeze
  end
end
