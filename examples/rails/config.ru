# frozen_string_literal: true

# cd examples/rails && RAILS_ENV=production pitchfork
require_relative "config/environment"

run Rails.application
