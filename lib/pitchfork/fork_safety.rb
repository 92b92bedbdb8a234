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
  end
end
