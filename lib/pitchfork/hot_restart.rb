# frozen_string_literal: true

require "pitchfork/errors"

module Pitchfork
  # The master's part in a hot restart: what it does for HUP, and when the supervisor tells what has become of it.
  module HotRestart
    private

    # Evaluates what there is now, and asks for it. Whatever is wrong with that, the server goes on as it is.
    def hup
      @notifier.reloading("restarting")
      release = @releases.read(@server.log)
      @releases[@supervision.restart(settings(release))] = release
    rescue ConfigurationError, BindError => e
      log(:error, "hot restart refused: #{e.message}")
      @notifier.ready("serving; hot restart refused: #{e.message}")
    end

    def restarted(version)
      complaints = @releases.commit(version)
      serve(@releases.current)
      @notifier.ready("serving version #{version}")
      complaints.each { |line| log(:warn, line) }
    end

    def restart_failed(version, why)
      @releases.drop(version)
      @notifier.ready("serving; hot restart to version #{version} failed: #{why}") unless @releases.upcoming?
    end

    def rollout_done(generation)
      @notifier.status("serving generation #{generation}")
      @releases.settle
    end
  end
end
