# frozen_string_literal: true

module Pitchfork
  FORK_LOCK = Mutex.new
  private_constant :FORK_LOCK

  class << self
    # Keeps this process from forking while the block runs, for code in another thread that must not be copied in the
    # middle. A fork that is due waits for it.
    #
    # @return what the block returns
    def prevent_fork(&block)
      FORK_LOCK.owned? ? yield : FORK_LOCK.synchronize(&block)
    end

    # @return [Array<String>] addresses that this server listens on: "127.0.0.1:8080", "/path.sock"
    attr_accessor :listener_names
  end
  self.listener_names = []

  # What an application can ask about the process that it runs in.
  module Info
    @fork_safe = true

    class << self
      # @return [Boolean] whether this process may become a mold
      def fork_safe?
        @fork_safe
      end

      # Declares that this process must not be forked any more, for example because a native library keeps threads or locks
      # of its own. It goes on serving and is never promoted.
      def no_longer_fork_safe!
        @fork_safe = false
      end
    end
  end
end
