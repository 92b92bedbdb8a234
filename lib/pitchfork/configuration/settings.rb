# frozen_string_literal: true

require "pitchfork/configuration/boot_settings"
require "pitchfork/configuration/http_settings"
require "pitchfork/configuration/memory_limit"
require "pitchfork/configuration/switches"

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
        :timeout, syntax: "timeout seconds", check: Check.seconds, default: 20,
        doc: "Soft deadline of a request, which the app may move (`env[\"pitchfork.timeout\"]`): `after_worker_timeout` " \
             "runs, then the worker is replaced. Together with `cleanup`, also how long a process may take to retire. " \
             "See [timeouts.md](timeouts.md)."
      ),
      Setting.new(
        :cleanup_timeout, syntax: "timeout seconds, cleanup: seconds", check: Check.seconds(zero: true), default: 2,
        doc: "Time between the soft deadline and the hard one, at which the worker is killed."
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
        :refork_when, syntax: "refork_when mode", check: Check.one_of(:requests, :sharing), default: :requests,
        doc: "`:requests`: only `refork_after` counts. `:sharing`: pitchfork measures what workers have written since they were " \
             "forked, reforks when that is expected to save memory, and stops when it no longer does; `refork_after` holds, " \
             "too, if it is set. See [reforking.md](reforking.md)."
      ),
      Setting.new(
        :refork_interval, syntax: "refork_when :sharing, interval: seconds", check: Check.seconds, default: 60,
        doc: "The least time before the first refork that `:sharing` begins. It doubles with each one, and is at least a hundred " \
             "times as long as the last one took."
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
        :service_workers, syntax: "service_workers [:name1, :name2, …]", check: Check.names.or_nil,
        shown_default: "one, `:service`, if `before_service_worker_ready` is set",
        doc: "Processes that serve no requests and may have threads: schedulers, consumers of queues, exporters of metrics."
      ),
      Setting.new(
        :canary_requests, syntax: "canary_requests n", check: Check.integer(0..), default: 10,
        doc: "Requests that the first worker of a new mold must have completed before the rollout goes on. Until then the " \
             "server goes back to the old mold if that worker dies. 0: it is enough that it is ready."
      ),
      Setting.new(
        :canary_seconds, syntax: "canary_requests n, seconds: s", check: Check.seconds(zero: true), default: 5,
        doc: "... or seconds that it must have lived, if there are not so many requests."
      ),
      Setting.new(
        :max_requests, syntax: "max_requests n", check: Check.integer(1..).or_nil, shown_default: "no limit",
        doc: "A worker that has served so many requests is replaced: the replacement is ready first."
      ),
      Setting.new(
        :max_requests_jitter, syntax: "max_requests n, jitter: share", check: Check.share, default: 0.1,
        doc: "Up to this share is taken off `max_requests` and `max_lifetime`, differently for each worker, so that they " \
             "are not all replaced at once."
      ),
      Setting.new(
        :max_lifetime, syntax: "max_lifetime seconds", check: Check.seconds.or_nil, shown_default: "no limit",
        doc: "A worker that has been at work for so long is replaced: the replacement is ready first."
      ),
      Setting.new(
        :out_of_band_gc, syntax: "out_of_band_gc bool", check: Check.boolean, default: false,
        doc: "Major garbage collections of a worker take place between requests, not within: on Ruby 3.4 and later all of " \
             "them, before most. See [gc.md](gc.md)."
      ),
      Setting.new(
        :worker_memory_limit, syntax: "worker_memory_limit private: size, hard: size", check: MemoryLimit::CHECK.or_nil,
        shown_default: "no limit",
        doc: "A worker that has more private memory than this is replaced: the replacement is ready first. Above `hard` it is " \
             "asked to go at once, and killed if it does not. `pss:` in the place of `private:` also counts the worker's part " \
             "of what it shares. One worker a second is measured."
      ),
      Setting.new(
        :mold_preparation, syntax: "mold_preparation collect: bool, compact: bool, trim: bool, seal: bool",
        check: Switches.new(:collect, :compact, :trim, :seal), default: %i[collect compact trim seal].freeze,
        shown_default: "all",
        doc: "What a mold does to its memory before it is forked from: garbage is collected; survivors are moved together and " \
             "made old; free memory goes back to the kernel; the GC is switched off, until workers switch it on. Steps that are " \
             "not mentioned are taken; `mold_preparation false`: none. See [reforking.md](reforking.md)."
      ),
      Setting.new(
        :mold_sockets, syntax: "mold_sockets mode", check: Check.one_of(:refuse, :warn), default: :refuse,
        doc: "A promoted mold that has a connection open which its workers would inherit, and which is not declared " \
             "with `Pitchfork::Info.keep_io`. `:refuse`: it is not used; `:warn`: a warning in the log."
      ),
      Setting.new(
        :max_consecutive_spawn_errors, syntax: "max_consecutive_spawn_errors n", check: Check.integer(1..).or_nil,
        shown_default: "no limit", doc: "Give up and exit with status 1 after so many failed spawns in a row."
      ),
      Setting.new(
        :setpgid, syntax: "setpgid bool", check: Check.boolean, default: true,
        doc: "Each child leads its own process group, so that a signal to the master's group does not reach it."
      ),
      Setting.new(
        :pid, syntax: "pid path", check: Check.string.or_nil, shown_default: "none",
        doc: "File with the master's pid, from the moment its listeners are bound to its end. A relative path starts in the " \
             "directory that the server was started in. A file that is left over is replaced. Read once, at the start."
      ),
      Setting.new(
        :user, syntax: "user name", check: Check.string.or_nil, shown_default: "who starts the server",
        doc: "The user that molds and workers run as. The master stays root and binds, also on a hot restart; the configuration " \
             "file is evaluated by root. `user name, group` sets both."
      ),
      Setting.new(
        :group, syntax: "group name", check: Check.string.or_nil, shown_default: "the user's own",
        doc: "Their group, together with `user`."
      ),
      Setting.new(
        :oom_score_adj, syntax: "oom_score_adj bool", check: Check.boolean, default: true,
        doc: "When memory runs out, the kernel kills workers before the mold, and the mold before the master."
      )
    ] + BOOT_SETTINGS + HTTP_SETTINGS).freeze
  end
end
