# frozen_string_literal: true

require "pitchfork/master"
require "pitchfork/mold"
require "pitchfork/worker"

module Pitchfork
  # The outermost loop of every process.
  #
  # A role runs until it is over and returns what comes next: another role (a forked child returns the one it is to have, a
  # promoted worker returns a mold), or the Integer that the process exits with. So each process, of whatever generation,
  # has the same few frames below it.
  module Lifecycle
    class << self
      # In the process that the user has started: becomes the master.
      #
      # @param release [Release] without listeners
      # @param deployment [Deployment, nil] what a hot restart evaluates; nil when the app is only an object in memory
      # @return [Integer] exit status
      # @raise [BindError] before anything is forked
      def start(release, deployment = nil)
        master = Process.pid
        status = run(Master.start(release, deployment))
        Process.pid == master ? status : leave(status)
      rescue SystemExit => e
        Process.pid == master ? raise : leave(e.status)
      rescue Exception => e # rubocop:disable Lint/RescueException
        raise if Process.pid == master

        $stderr.puts(e.full_message(highlight: false))
        leave(1)
      end

      # In the process that the master has executed: becomes the boot mold, and what is forked from it.
      #
      # @param configuration [Configuration]
      # @param inheritance [Inheritance]
      # @return [Integer] exit status
      def boot(configuration, inheritance)
        run(Mold.inherit(configuration, inheritance))
      end

      private

      def run(role)
        role = role.run until role.is_a?(Integer)
        role
      end

      # A child of a master that was handed its app as an object: the frames below, and the at_exit handlers, belong to
      # whoever called `start` (rackup removes its pid file in one).
      def leave(status)
        $stdout.flush
        $stderr.flush
        exit!(status)
      end
    end
  end
end
