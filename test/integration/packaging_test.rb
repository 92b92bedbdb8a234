# frozen_string_literal: true

require "fileutils"
require "minitest/autorun"
require "rbconfig"
require "timeout"
require "tmpdir"

# The gem as a user meets it: built, installed into an empty GEM_HOME, run; and what the installation says when
# the machine lacks something to build with.
class PackagingTest < Minitest::Test
  ROOT = File.expand_path("../..", __dir__)
  EXTCONF = File.join(ROOT, "ext/pitchfork/extconf.rb")

  # A cold build of the extension takes 30 to 45 seconds on two idle cores.
  BUILD_LIMIT = 300
  LIMIT = 30

  # An installed gem; the build tree that made it is hundreds of megabytes.
  LARGEST_INSTALLATION = 20 * 1024 * 1024

  # What the runner of this test was told about gems and libraries does not hold for the user's processes.
  USERS_ENVIRONMENT = ENV.keys.grep(/\A(BUNDLE|GEM_|RUBY)/).to_h { |name| [name, nil] }.freeze

  def setup
    @directory = Dir.mktmpdir("pitchfork-packaging")
  end

  def teardown
    FileUtils.remove_entry(@directory)
  end

  # One test, as there is one build: most of a minute on a small machine.
  def test_the_built_gem_installs_runs_and_leaves_no_build_tree
    gem = File.join(@directory, "pitchfork.gem")
    home = File.join(@directory, "home")
    succeed "gem", "build", "pitchfork.gemspec", "--output", gem, chdir: ROOT
    succeed "gem", "install", "--local", "--no-document", gem, env: { "GEM_HOME" => home }, limit: BUILD_LIMIT

    installed = Dir.glob("#{home}/**/*", File::FNM_DOTMATCH).select { |path| File.file?(path) }
    assert_empty installed.grep(%r{/target/}), "the build tree was left behind"
    assert_operator installed.sum { |path| File.size(path) }, :<, LARGEST_INSTALLATION

    loaded = succeed(RbConfig.ruby, "-rpitchfork", "-e", "puts $LOADED_FEATURES.grep(/pitchfork\\.so\\z/)", env: { "GEM_HOME" => home })
    assert_equal 1, loaded.lines.size, loaded
    assert loaded.start_with?("#{File.realpath(home)}/"), "loaded #{loaded}"

    version = Gem::Specification.load(File.join(ROOT, "pitchfork.gemspec")).version
    assert_match(/\b#{Regexp.escape(version.to_s)}$/, succeed(File.join(home, "bin/pitchfork"), "--version", env: { "GEM_HOME" => home }))
  end

  def test_a_missing_cargo_is_one_line_that_says_what_to_install
    link "cc", "make"
    assert_refused(/cargo 1\.85 or newer, which is not on PATH/, /rustup/, "PATH" => @directory)
  end

  def test_an_old_cargo_is_refused_with_its_version
    program "cargo", "echo 'cargo 1.84.1 (66221abde 2024-11-19)'"
    assert_refused(/cargo 1\.85 or newer, and this is 1\.84/, /rustup/, "PATH" => "#{@directory}:#{ENV.fetch("PATH")}")
  end

  def test_a_cargo_that_cannot_run_is_refused
    program "cargo", "echo 'error: no default toolchain is configured' >&2; exit 1"
    assert_refused(/`cargo --version` failed/, /rustup/, "PATH" => "#{@directory}:#{ENV.fetch("PATH")}")
  end

  def test_a_missing_compiler_is_one_line_that_says_what_to_install
    program "cargo", "echo 'cargo 1.85.0 (d73d2caf9 2024-12-31)'"
    link "make"
    assert_refused(/a C compiler/, /build-essential/, "PATH" => @directory, "CC" => nil)
  end

  def test_missing_ruby_headers_are_one_line_that_says_what_to_install
    elsewhere = File.join(@directory, "elsewhere.rb")
    File.write(elsewhere, "RbConfig::CONFIG['rubyhdrdir'] = '/nonexistent'")
    assert_refused(%r{no ruby\.h in /nonexistent}, /ruby-dev\b/, "RUBYOPT" => "-r#{elsewhere}")
  end

  def test_a_missing_libclang_is_one_line_that_says_what_to_install
    assert_refused(/libclang/, /libclang-dev/, "LIBCLANG_PATH" => @directory)
  end

  private

  # Runs extconf.rb with +env+ and expects a single line that matches both patterns, a failure, and no Makefile.
  def assert_refused(what, remedy, env)
    status, output = execute(RbConfig.ruby, EXTCONF, env: env)
    assert_equal 1, status.exitstatus, output
    assert_equal 1, output.lines.size, output
    assert_match what, output
    assert_match remedy, output
    %w[Debian/Ubuntu Fedora Alpine].each { |system| assert_includes output, system }
    refute_path_exists File.join(@directory, "Makefile")
  end

  def link(*names)
    path = ENV.fetch("PATH").split(File::PATH_SEPARATOR)
    names.each do |name|
      original = path.map { |directory| File.join(directory, name) }.find { |file| File.executable?(file) }
      File.symlink(original, File.join(@directory, name))
    end
  end

  def program(name, script)
    file = File.join(@directory, name)
    File.write(file, "#!/bin/sh\n#{script}\n")
    File.chmod(0o755, file)
  end

  def succeed(*command, **options)
    status, output = execute(*command, **options)
    assert_predicate status, :success?, "#{command.join(" ")}\n#{output}"
    output
  end

  # @return [Array(Process::Status, String)] how it ended, and what it wrote to stdout and stderr
  def execute(*command, env: {}, chdir: @directory, limit: LIMIT)
    log = File.join(@directory, "output")
    pid = Process.spawn(USERS_ENVIRONMENT.merge(env), *command, chdir: chdir, in: File::NULL, %i[out err] => log, pgroup: true)
    Timeout.timeout(limit) { Process.wait(pid) }
    [$?, File.read(log)]
  rescue Timeout::Error
    Process.kill(:KILL, -pid)
    Process.wait(pid)
    flunk "#{command.join(" ")} took more than #{limit} s:\n#{File.read(log)}"
  end
end
