# frozen_string_literal: true

require "pitchfork/listener"

module Pitchfork
  # The sockets that the master holds open: those of the release that serves, of one that is being booted, and those that older
  # workers still accept from.
  class Listeners
    # @param open [Array<Listener>] that somebody else has bound
    def initialize(open = [])
      @open = open
    end

    # One listener for each specification, in order: the socket that is open already, or a new one.
    #
    # @param specs [Array<ListenerSpec>]
    # @param prefer [Array<Listener>] these are taken first, where several would do (port 0)
    # @param options of {Listener.bind}
    # @return [Array<Listener>]
    # @raise [BindError] then no socket is open that was not before
    def bind(specs, logger, prefer: [], **options)
      free = prefer | @open
      bound = []
      specs.map do |spec|
        found = free.find { |listener| listener.serves?(spec) }
        found ? free.delete(found) : Listener.bind(spec, logger, **options).tap { |listener| bound << listener }
      end.tap { @open |= bound }
    rescue StandardError
      bound.each(&:close)
      raise
    end

    # Closes all that are in none of these lists.
    #
    # @param lists [Array<Array<Listener>>]
    def keep_only(*lists)
      @open, gone = @open.partition { |listener| lists.any? { |list| list.include?(listener) } }
      gone.each(&:close)
    end

    def close
      keep_only
    end
  end
end
