# frozen_string_literal: true

# A preforking Rack server whose workers are forked from a warmed-up one.
module Pitchfork
end

require "pitchfork/version"
require "pitchfork/errors"
require "pitchfork/pitchfork" # the extension; by the load path, as it may lie in RubyGems' extensions directory
require "pitchfork/ruby_command"
require "pitchfork/fork_safety"
require "pitchfork/info"
require "pitchfork/client"
require "pitchfork/input"
require "pitchfork/rewindable_input"
require "pitchfork/exchange"
require "pitchfork/server"
require "pitchfork/lifecycle"
