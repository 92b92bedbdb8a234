# frozen_string_literal: true

module Pitchfork
  class MoldCheck
    # Threads that should not be where workers are forked from.
    module Threads
      # Ruby marks its own threads so, which start again by themselves after a fork: today that of Timeout.
      DETACHED = :"\0__detached_thread__"
      private_constant :DETACHED

      # @return [Array<String>] a complaint for each
      def self.complaints
        threads = Thread.list.reject { |thread| thread == Thread.current || thread.thread_variable_get(DETACHED) }
        threads.map do |thread|
          "#{thread.inspect} runs in the mold and does not exist in the workers that are forked from it: " \
            "start it in after_worker_fork, or end it in after_mold_fork"
        end
      end
    end
  end
end
