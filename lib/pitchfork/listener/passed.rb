# frozen_string_literal: true

module Pitchfork
  class Listener
    # A socket that was made by systemd, which goes on listening when we are gone: its options are those of the socket unit,
    # and its file is not ours to remove. Every configuration has it among its listeners, so the master keeps it to the end.
    class Passed < Listener
      # @param spec [ListenerSpec] with the socket that is used for it
      def self.adopt(spec)
        new(spec, [spec.passed.io], owner: nil)
      end

      # It listens already, or else is ready to.
      def listen
        io.listen(spec[:backlog]) unless spec.passed.listens?
        @listening = true
        self
      end

      # @return [String] which sockets of which unit, in its own words
      def origin
        " (from systemd#{": #{spec.passed.name}" if spec.passed.name})"
      end

      def serves?(other)
        spec.passed.equal?(other.passed)
      end

      def respecify(spec)
        @spec = spec
        @address = spec.address
        []
      end
    end
  end
end
