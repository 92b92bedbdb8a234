# frozen_string_literal: true

require "pitchfork/rack_env/adapter"
require "pitchfork/rack_env/origin_form"

module Pitchfork
  module RackEnv
    # Rack 2.2, and what is older: asks servers for a version, about processes and threads, and for an input that can be
    # rewound.
    class Rack22 < Adapter
      include OriginForm

      # `rack.hijack_io` is set when the app calls rack.hijack.
      REQUIRED = {
        "rack.version" => [1, 3].freeze,
        "rack.multithread" => false,
        "rack.multiprocess" => true,
        "rack.run_once" => false,
        "rack.hijack_io" => nil
      }.freeze

      # (see Adapter#template)
      def template
        super.merge(REQUIRED)
      end

      # Whatever the configuration says: Rack itself rewinds it for every form.
      def input(client)
        RewindableInput.new(client, @memory)
      end
    end
  end
end
