# frozen_string_literal: true

module Pitchfork
  VERSION = "0.1.0"
end
