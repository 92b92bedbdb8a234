# frozen_string_literal: true

module Pitchfork
  # The part of a configuration that the supervisor decides by, as {Supervision} takes it.
  module SupervisionSettings
    # @param configuration [Configuration]
    # @param adopts [Boolean] whether orphans come to the master
    # @return [Hash{Symbol => Object}]
    def self.of(configuration, adopts:)
      thresholds = configuration.refork_after || []
      limit = configuration.worker_memory_limit || {}
      {
        workers: configuration.worker_processes,
        service_workers: configuration.service_names.map(&:to_s),
        refork_after: thresholds.grep(Integer),
        refork_repeats: thresholds.last != false,
        sharing_interval: (configuration.refork_interval.to_f if configuration.refork_when == :sharing),
        max_unavailable: configuration.refork_max_unavailable,
        promotion: configuration.promotion,
        first_worker_leads: configuration.yjit_until_promotion == :first_worker,
        spawn_timeout: configuration.spawn_timeout.to_f,
        timeout: configuration.timeout.to_f,
        cleanup_timeout: configuration.cleanup_timeout.to_f,
        canary_requests: configuration.canary_requests,
        canary_seconds: configuration.canary_seconds.to_f,
        max_requests: configuration.max_requests,
        max_requests_jitter: configuration.max_requests_jitter.to_f,
        max_lifetime: configuration.max_lifetime&.to_f,
        memory_measure: limit[:measure],
        memory_soft: limit[:soft],
        memory_hard: limit[:hard],
        seed: Random.new_seed & 0xffff_ffff,
        max_consecutive_spawn_errors: configuration.max_consecutive_spawn_errors,
        adopts: adopts
      }
    end
  end
end
