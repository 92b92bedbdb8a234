# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/ruby_command"

class RubyCommandTest < UnitTest
  {
    "ruby exe/pitchfork -c a.rb" => [],
    "ruby --yjit -W0 exe/pitchfork -w" => %w[--yjit -W0],
    "ruby -I lib -r json -Itest exe/pitchfork" => %w[-I lib -r json -Itest],
    "ruby --yjit-call-threshold=5 -- exe/pitchfork" => %w[--yjit-call-threshold=5],
    "ruby -w /usr/bin/bundle exec pitchfork" => %w[-w],
    "ruby -Ilib -e code" => [],
    "ruby" => []
  }.each do |command, flags|
    define_method(:"test_flags_of_#{command}") do
      assert_equal flags, Pitchfork::RubyCommand.flags_in(command.split)
    end
  end

  # Only a name that leads to the working directory now is worth keeping.
  def test_the_directory
    Dir.mkdir("releases")
    File.symlink("releases", "current")
    physical, link = %w[releases current].map { |name| File.join(@directory, name) }

    assert_equal(link, Pitchfork::RubyCommand.directory(physical, link))
    [nil, "", "current", @directory, File.join(@directory, "none")].each do |name|
      assert_equal(physical, Pitchfork::RubyCommand.directory(physical, name))
    end
  end

  def test_the_boot_mold_runs_the_same_ruby_with_this_library
    command = Pitchfork::RubyCommand.pitchfork(%w[-c a.rb config.ru])
    assert_equal RbConfig.ruby, command.first
    assert_equal ["-I", File.join(ROOT, "lib"), File.join(ROOT, "exe/pitchfork"), "-c", "a.rb", "config.ru"], command.last(6)
  end
end
