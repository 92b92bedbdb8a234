# frozen_string_literal: true

class ApplicationController < ActionController::Base
  skip_forgery_protection if: -> { request.format.json? }

  private

  # @return [Integer, nil] the generation of the serving process, nil under another server
  def generation
    request.env["pitchfork.worker"]&.generation
  end
end
