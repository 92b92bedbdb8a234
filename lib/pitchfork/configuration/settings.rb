# frozen_string_literal: true

require "pitchfork/configuration/http_settings"

module Pitchfork
  class Configuration
    # The settings that hold values, in the order of the documentation.
    # `listen` and `timeout` take keywords and are written out in {Configurator}; the rest take one value each.
    SETTINGS = ([
      Setting.new(
        :worker_processes, syntax: "worker_processes n", check: Check.integer(1..1024), default: 1,
        doc: "Number of workers."
      ),
      Setting.new(
        :listen, syntax: "listen address, **options", shown_default: "8080",
        doc: "An address to serve, see below. Repeatable; the same address again replaces its options."
      ),
      Setting.new(
        :timeout, syntax: "timeout seconds", check: Check.seconds, default: 20, planned: true,
        doc: "Soft deadline of a request: `after_worker_timeout` runs, then the worker is replaced. Today it only " \
             "bounds, together with `cleanup`, how long a process may take to retire."
      ),
      Setting.new(
        :cleanup_timeout, syntax: "timeout seconds, cleanup: seconds", check: Check.seconds(zero: true), default: 2,
        planned: true, doc: "Time between the soft deadline and the hard one, at which the worker is killed."
      ),
      Setting.new(
        :spawn_timeout, syntax: "spawn_timeout seconds", check: Check.seconds, default: 10,
        doc: "A new worker or mold that is not ready by then is killed and tried again."
      ),
      Setting.new(
        :logger, syntax: "logger object", shown_default: "standard error",
        check: Check.responding_to(:debug, :info, :warn, :error, :fatal, name: "a logger"),
        doc: "Where the server writes its own messages: anything with the interface of Ruby's Logger."
      ),
      Setting.new(
        :refork_after, syntax: "refork_after [n1, n2, …]", check: Check.request_limits.or_nil, shown_default: "never",
        doc: "A worker of generation i that has served n_i requests triggers a refork. " \
             "The last number repeats for ever, `false` in its place ends reforking there."
      ),
      Setting.new(
        :refork_max_unavailable, syntax: "refork_max_unavailable n", check: Check.integer(0..1024).or_nil,
        shown_default: "10 % of the workers, rounded up",
        doc: "Workers that may be missing during a rollout. Not set: one that is promoted in place may, and every " \
             "replacement is ready before its predecessor is retired. n: so many are retired before they are " \
             "replaced, for machines without memory to spare. 0: never fewer than `worker_processes`."
      ),
      Setting.new(
        :promotion, syntax: "promotion mode", check: Check.one_of(:auto, :in_place, :fork), default: :auto,
        doc: "How a worker becomes a mold. `:in_place`: the process itself leaves rotation; `:fork`: it forks a copy " \
             "that has no threads; `:auto`: in place when the worker has no other thread and may be missing " \
             "(`refork_max_unavailable`), else by fork."
      ),
      Setting.new(
        :max_consecutive_spawn_errors, syntax: "max_consecutive_spawn_errors n", check: Check.integer(1..).or_nil,
        shown_default: "no limit", doc: "Give up and exit with status 1 after so many failed spawns in a row."
      ),
      Setting.new(
        :setpgid, syntax: "setpgid bool", check: Check.boolean, default: true,
        doc: "Each child leads its own process group, so that a signal to the master's group does not reach it."
      )
    ] + HTTP_SETTINGS).freeze
  end
end
