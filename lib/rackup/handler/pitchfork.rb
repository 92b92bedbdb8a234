# frozen_string_literal: true

require "pitchfork/rack_handler"

begin
  require "rackup/handler"
rescue LoadError
  require "rack"
  raise if Rack.release.to_i >= 3

  require "rack/handler/pitchfork" # Rack 2 has its handlers itself
end

if defined?(Rackup::Handler)
  module Rackup
    module Handler
      # Rack 3: `rackup -s pitchfork`, `rails server -u pitchfork`.
      module Pitchfork
        extend ::Pitchfork::RackHandler
      end

      register :pitchfork, Pitchfork
    end
  end
end
