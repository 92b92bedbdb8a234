# frozen_string_literal: true

require "securerandom"
require "tmpdir"
require "rails"
require "active_record/railtie"
require "action_controller/railtie"
require "action_view/railtie"

module Notebook
  # A small application in the usual shape, with what matters to a forking server in it: a session, a database, a template.
  class Application < Rails::Application
    config.load_defaults Rails::VERSION::STRING.to_f
    config.root = File.expand_path("..", __dir__)
    config.eager_load = Rails.env.production? # what is loaded before the first fork is shared
    config.enable_reloading = !config.eager_load
    config.logger = ActiveSupport::Logger.new($stderr)
    config.log_level = ENV.fetch("LOG_LEVEL", "warn")
    # config/pitchfork.rb sets it, so that all generations and a mold that boots again sign with one secret.
    config.secret_key_base = ENV.fetch("SECRET_KEY_BASE") { SecureRandom.hex(64) }
    # Whether Ruby compiles is the business of who starts it: ruby --yjit, or RUBYOPT=--yjit.
    config.yjit = false
  end
end
