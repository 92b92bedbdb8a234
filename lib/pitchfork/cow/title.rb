# frozen_string_literal: true

module Pitchfork
  module Cow
    # What a process of a server says of itself by its title.
    #
    # @!attribute role
    #   @return [Symbol] :master, :mold, :worker, :service, or :other for what the app has started
    # @!attribute name
    #   @return [String, nil] a worker's number, a service worker's name
    # @!attribute generation
    #   @return [Integer, nil]
    # @!attribute status
    #   @return [String, nil] "booting", "preparing", "starting", "retiring"
    Title = Struct.new(:text, :role, :name, :generation, :status) do
      # @param text [String]
      # @return [Title]
      def self.parse(text)
        case text
        when "pitchfork master" then new(text, :master)
        when /\Apitchfork (mold|worker|service)(?:\[(.*)\])? \(gen:(\d+)\)(?: - (\w+))?\z/
          new(text, $1.to_sym, $2, $3.to_i, $4)
        else new(text, :other)
        end
      end
    end
  end
end
