# frozen_string_literal: true

require_relative "../../lib/pitchfork/report/chart"
require_relative "../../lib/pitchfork/report/table"

module Bench
  # The server draws with them, too: `pitchfork cow --chart`.
  Chart = ::Pitchfork::Report::Chart
  Scale = ::Pitchfork::Report::Scale
  Table = ::Pitchfork::Report::Table
end
