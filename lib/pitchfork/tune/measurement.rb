# frozen_string_literal: true

module Pitchfork
  module Tune
    # What one trial has shown.
    #
    # @!attribute failure
    #   @return [String, nil] why the candidate can't be used; then all figures are nil
    # @!attribute pss
    #   @return [Float] MiB of all processes of the server
    # @!attribute private
    #   @return [Float] MiB, mean of the workers
    # @!attribute mold
    #   @return [Float] private MiB of the mold
    # @!attribute rate
    #   @return [Float] requests a second
    # @!attribute p50, p99
    #   @return [Float] milliseconds
    # @!attribute cpu
    #   @return [Float] milliseconds of processor time in the workers, a request
    # @!attribute reforks
    #   @return [Integer] before the measured requests
    # @!attribute statuses
    #   @return [Hash{String => Integer}] of the measured responses
    # @!attribute boot
    #   @return [Float] seconds until the workers were ready
    # @!attribute seconds
    #   @return [Float] that the whole trial took
    FIGURES = %i[failure pss private mold rate p50 p99 cpu reforks statuses boot seconds].freeze
    Measurement = Struct.new(*FIGURES, keyword_init: true) do
      def failed?
        !failure.nil?
      end
    end

    # A candidate and what one trial of it has shown.
    Run = Struct.new(:candidate, :measurement)
  end
end
