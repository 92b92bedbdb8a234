# frozen_string_literal: true

require "pitchfork/rack_env/adapter"
require "pitchfork/rack_env/origin_form"

module Pitchfork
  module RackEnv
    # Rack 3.0: an input need not be rewound, and what 2.2 asks for besides is gone.
    class Rack30 < Adapter
      include OriginForm
    end
  end
end
