# frozen_string_literal: true

require_relative "cow_app"
require_relative "servers"

module Bench
  # A server as it is compared: which, and what is in its configuration file besides the app's own.
  CowRow = Struct.new(:name, :server, :lines, :complete) do
    # @!attribute name
    #   @return [String] in tables and charts
    # @!attribute server
    #   @return [String] "pitchfork", "puma" or "unicorn"
    # @!attribute lines
    #   @return [String] for pitchfork
    # @!attribute complete
    #   @return [Boolean] whether the lines say themselves if there is to be YJIT

    # @param app [CowApp]
    # @param yjit [Boolean]
    # @return [Array<CowRow>] in the order of the tables
    def self.all(app, yjit)
      [
        new("features off", "pitchfork", "mold_preparation false", false),
        new("defaults", "pitchfork", "", false),
        new("recommended", "pitchfork", app.recommended.fetch(yjit), true),
        new("puma", "puma", "", false),
        new("unicorn", "unicorn", "", false)
      ]
    end

    def reforks?
      server == "pitchfork"
    end

    # @return [Server] not started yet
    def build(app, workers:, yjit:, env:)
      return CowRow::Tuned.new(app.path, lines: lines, workers: workers, yjit: yjit && !complete, env: env) if reforks?

      Bench.const_get(server.capitalize).new(app.path, workers: workers, yjit: yjit, env: env)
    end
  end

  class CowRow
    # Pitchfork with a row's lines.
    class Tuned < Pitchfork
      def initialize(app, lines:, **options)
        super(app, **options)
        @lines = lines
      end

      def name
        "pitchfork"
      end

      private

      # When to refork is the benchmark's to say, here too.
      def settings
        "#{super}\n#{@lines}\nrefork_after nil"
      end
    end
  end
end
