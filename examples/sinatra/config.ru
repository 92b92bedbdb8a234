# frozen_string_literal: true

# cd examples/sinatra && pitchfork
require_relative "app"

run Guestbook
