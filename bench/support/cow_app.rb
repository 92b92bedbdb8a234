# frozen_string_literal: true

require "net/http"

module Bench
  # An application whose memory is measured: what it is asked, and how often.
  #
  # @!attribute paths
  #   @return [Array<String>] what the load generator asks for, in turn
  # @!attribute requests
  #   @return [Integer] in each of the four loads
  # @!attribute seed
  #   @return [Proc, nil] called once with the server's HOST:PORT, before the first load
  # @!attribute gem
  #   @return [String, nil] what has to be installed for it
  CowApp = Struct.new(:name, :title, :path, :paths, :requests, :seed, :gem, keyword_init: true) do
    def available?
      gem.nil? || Gem::Specification.find_all_by_name(gem).any?
    end
  end

  root = File.expand_path("../..", __dir__)
  write_notes = lambda do |target|
    20.times { |n| Net::HTTP.post_form(URI("http://#{target}/notes.json"), "note[body]" => "Note #{n}").value }
  end

  CowApp::ALL = [
    CowApp.new(name: "methods", title: "Many lukewarm methods", path: "#{root}/bench/apps/methods.ru", paths: ["/{n}"], requests: 2_000),
    CowApp.new(name: "rails", title: "Rails", path: "#{root}/examples/rails/config.ru", requests: 3_000, gem: "rails", seed: write_notes,
               paths: ["/", "/notes/1", "/notes.json", "/process", "/?page={n}"])
  ].freeze
end
