# frozen_string_literal: true

require "pitchfork/rack_handler"
require "rack"

if Rack.release.to_i < 3
  require "rack/handler"

  module Rack
    module Handler
      # Rack 2: `rackup -s pitchfork`, `rails server -u pitchfork`.
      module Pitchfork
        extend ::Pitchfork::RackHandler
      end

      register "pitchfork", "Rack::Handler::Pitchfork"
    end
  end
else
  require "rackup/handler/pitchfork"
end
