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
  # @!attribute recommended
  #   @return [Hash{Boolean => String}] the lines that `pitchfork tune` has printed in bench/results/tune-APP-3.3.8.md (bench/tune.rb),
  #     by whether the table's other servers have YJIT. Without it: the same, but for what would switch it on
  # @!attribute gem
  #   @return [Array<String>, nil] what has to be installed for it: name and version
  CowApp = Struct.new(:name, :title, :path, :paths, :requests, :seed, :recommended, :gem, keyword_init: true) do
    def available?
      gem.nil? || Gem::Specification.find_all_by_name(*gem).any?
    end
  end

  root = File.expand_path("../..", __dir__)
  write_notes = lambda do |target|
    20.times { |n| Net::HTTP.post_form(URI("http://#{target}/notes.json"), "note[body]" => "Note #{n}").value }
  end

  # Called a few times each, its methods are never compiled: YJIT only counts their calls, which is a write into a shared page.
  lukewarm = <<~RUBY.chomp
    allocator :jemalloc
    gc free_slots: [0.05, 0.1, 0.15]
    refork_after [950]
    yjit false
  RUBY
  warm = <<~RUBY.chomp
    allocator :jemalloc
    gc free_slots: [0.05, 0.1, 0.15]
    refork_after [35, 120, 350]
    yjit_until_promotion :first_worker
  RUBY

  CowApp::ALL = [
    CowApp.new(name: "methods", title: "Many lukewarm methods", path: "#{root}/bench/apps/methods.ru", paths: ["/{n}"], requests: 2_000,
               recommended: { true => lukewarm, false => lukewarm }),
    CowApp.new(name: "rails", title: "Rails", path: "#{root}/examples/rails/config.ru", requests: 3_000, gem: ["rails", ">= 7.2"],
               seed: write_notes,
               recommended: { true => warm, false => warm.sub(/^yjit.*/, "").chomp },
               paths: ["/", "/notes/1", "/notes.json", "/process", "/?page={n}"])
  ].freeze
end
