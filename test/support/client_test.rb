# frozen_string_literal: true

require_relative "app_test"

# A test with clients that others have written. One that is not installed skips its test, and says how to install it.
class ClientTest < AppTest
  SECONDS = 300
  GIB = 1024**3

  # Beyond what a worker has before a transfer, its memory may grow by so much during one: buffers and Ruby's garbage.
  FLAT = 32 * 1024**2

  # nginx is in a directory that a user's PATH need not have.
  PATH = ENV.fetch("PATH").split(":") + %w[/usr/sbin]

  Ended = Struct.new(:out, :err, :status)

  def before_setup
    super
    @programs = []
  end

  def after_teardown
    @programs.each { |pid| end_program(pid) }
    super
  end

  # @return [String] path of a program
  def program(name, package = name)
    PATH.map { |directory| File.join(directory, name) }.find { |path| File.executable?(path) } or
      skip("no #{name} here: apt-get install --no-install-recommends #{package}")
  end

  # Runs a program to its end.
  #
  # @return [Ended] what it has written, and the status of its exit
  def execute(*command, **options)
    out, err = Array.new(2) { |index| File.join(@directory, "program-#{@programs.size}.#{index}") }
    pid = launch(*command, out: out, err: err, **options)
    _, status = Process.wait2(pid)
    Ended.new(File.read(out), File.read(err), status.exitstatus)
  end

  # Starts a program, which is ended with the test.
  #
  # @return [Integer] pid, which is its group's, too
  def launch(*command, **options)
    pid = Process.spawn(*command, chdir: @directory, in: File::NULL, out: File::NULL, pgroup: true, **options)
    @programs << pid
    pid
  end

  # Starts a program and hands over what it writes, while it writes.
  #
  # @yieldparam output [IO]
  def reading(*command)
    reader, writer = IO.pipe
    pid = launch(*command, out: writer)
    writer.close
    result = yield reader
    Process.wait(pid)
    result
  ensure
    [reader, writer].each(&:close)
  end

  def curl(*arguments)
    execute(program("curl"), "--silent", "--show-error", *arguments)
  end

  # @return [String] path of a file of so many bytes, none of which is on the disk
  def sparse_file(size)
    File.join(@directory, "sparse").tap { |path| File.open(path, "w") { |file| file.truncate(size) } }
  end

  # @return [Integer] by how many bytes the memory of the only worker was larger at a time while the block ran than before it
  def growth(server)
    pid = server.process("pitchfork worker[0]").pid
    before = memory(pid, "VmRSS")
    File.write("/proc/#{pid}/clear_refs", "5") # the peak (VmHWM) counts from here
    yield
    memory(pid, "VmHWM") - before
  end

  def assert_flat(server, what, &block)
    grown = growth(server, &block)
    assert_operator grown, :<, FLAT, "#{what}: bytes that the worker has grown by"
  end

  private

  def memory(pid, field)
    Integer(File.read("/proc/#{pid}/status")[/^#{field}:\s*(\d+) kB/, 1], 10) * 1024
  end

  # The group is the program's own, and has all that it has started.
  def end_program(pid)
    Process.kill(:KILL, -pid)
    Process.wait(pid)
  rescue Errno::ESRCH, Errno::ECHILD
    nil
  end
end
