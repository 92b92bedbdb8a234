# frozen_string_literal: true

require "minitest/autorun"
require "fileutils"
require "logger"
require "open3"
require "rbconfig"
require "stringio"
require "timeout"
require "tmpdir"

# What the unit tests share. Every test runs in a directory of its own and is stopped when it hangs.
class UnitTest < Minitest::Test
  SECONDS = 30
  ROOT = File.expand_path("../..", __dir__)

  def run
    Dir.mktmpdir("pitchfork") do |directory|
      @directory = File.realpath(directory)
      Dir.chdir(@directory) { return super }
    end
  end

  def before_setup
    super
    @environment = ENV.to_h
  end

  def after_teardown
    ENV.replace(@environment)
    super
  end

  # Minitest wraps setup, the test and teardown in this; an exception in it is the test's failure.
  def capture_exceptions(&block)
    super { Timeout.timeout(SECONDS, &block) }
  end

  # @return [String] absolute path of a file in the test's directory
  def write(path, text = "")
    FileUtils.mkdir_p(File.dirname(path))
    File.write(path, text)
    File.expand_path(path)
  end

  def assert_message(expected, error = Pitchfork::ConfigurationError, &block)
    assert_equal(expected, assert_raises(error, &block).message)
  end

  # Runs Ruby with the library and the test's own directory, which comes first, in its load path.
  #
  # @return [(String, String, Integer)] standard output, standard error, status
  def ruby(*arguments, env: {}, **options)
    out, err, status = Open3.capture3(
      { "RUBYOPT" => nil, "RACK_ENV" => nil }.merge(env),
      RbConfig.ruby, "-w", "-I#{@directory}/lib", "-I#{ROOT}/lib", *arguments, **options
    )
    [out, err, status.exitstatus]
  end
end
