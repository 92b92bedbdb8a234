# frozen_string_literal: true

require "rbconfig"
require "tmpdir"
require_relative "cow_app"
require_relative "machine"
require_relative "servers"

module Bench
  # `pitchfork tune` on an application, asked for what bench/cow.rb asks it for.
  class TuneRun
    # Some requests were refused: figures of those say little.
    class Refused < StandardError; end

    # @param app [CowApp]
    def initialize(app, minutes:, workers:)
      @app = app
      @minutes = minutes
      @workers = workers
    end

    # @return [Hash{String => String}] report and chart, by extension
    # @raise [Refused]
    def files
      Dir.mktmpdir("bench") do |directory|
        @env = { "DATABASE_PATH" => "#{directory}/bench.sqlite3", "RAILS_ENV" => "production", "RUBYOPT" => nil }
        seed
        tune(directory)
        report, chart = %w[report.md chart.svg].map { |name| File.read("#{directory}/out/#{name}") }
        raise Refused, "#{@app.name}: #{report[/\*\*.* refusals .*\*\*/]}" if report.include?(" refusals ")

        { "md" => report, "svg" => chart }
      end
    end

    private

    # All trials have the one database, so that what is asked for is there.
    def seed
      return unless @app.seed

      Pitchfork.open(@app.path, workers: 1, env: @env) { |server| @app.seed.call(server.target) }
    end

    def tune(directory)
      File.write("#{directory}/requests.txt", "#{@app.paths.join("\n")}\n")
      File.write("#{directory}/pitchfork.rb", config)
      arguments = { requests: "#{directory}/requests.txt", out: "#{directory}/out", minutes: @minutes, workers: @workers,
                    "config-file": "#{directory}/pitchfork.rb" }
      command = [RbConfig.ruby, "-I", "#{Server::ROOT}/lib", "#{Server::ROOT}/exe/pitchfork", "tune"]
      system(@env, *command, *arguments.flat_map { |name, value| ["--#{name}", value.to_s] }, @app.path, exception: true)
    end

    # The app's own, but for when to refork: with it, the configuration as it is would not be that of a server that does not.
    def config
      own = "#{File.dirname(@app.path)}/config/pitchfork.rb"
      <<~RUBY
        #{"instance_eval(File.read(#{own.dump}), #{own.dump})" if File.exist?(own)}
        refork_after nil
        #{"yjit true" if Machine.yjit?}
      RUBY
    end
  end
end
