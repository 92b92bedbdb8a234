# frozen_string_literal: true

require "net/http"
require "rbconfig"
require "socket"
require "timeout"

# A real server, started as a user starts it, from its command line to its last process.
#
#   server = ServerProcess.new(directory, app: "run ->(env) { [200, {}, [Process.pid.to_s]] }", config: "worker_processes 2")
#   server.start
#   server.get("/").body
#   server.signal(:USR2)
#   server.wait_for(/rollout gen=1 done/)
#
# Every wait is for an event: a line of the log, a process that ends. Log lines are counted, so that a wait for the next
# line of a kind does not find the last one.
class ServerProcess
  ROOT = File.expand_path("../..", __dir__)
  # How long one event may take on a loaded machine before something must be wrong.
  PATIENCE = 30

  # One process of the tree as /proc shows it.
  Node = Struct.new(:pid, :ppid, :title)

  attr_reader :pid, :directory, :status

  # @param directory [String] the test's own; config.ru and pitchfork.rb are written there, and the server runs in it
  # @param app [String, nil] text of config.ru; nil: the files are there already
  # @param config [String] text of the configuration file; without `listen`, port 0 of the loopback is used
  # @param command [Array<String>, nil] in place of `ruby -Ilib exe/pitchfork -c pitchfork.rb config.ru`
  # @param ruby [Array<String>] flags for Ruby
  # @param descriptors [Hash{Integer => IO}] what the server inherits besides standard input and output
  def initialize(directory, app: nil, config: "", arguments: [], ruby: [], env: {}, command: nil, descriptors: {})
    @directory = directory
    @env = { "RUBYOPT" => nil, "RACK_ENV" => nil }.merge(env)
    File.write(File.join(directory, "config.ru"), app) if app
    config = "listen '127.0.0.1:0'\n#{config}" unless config.match?(/^\s*listen\b/) || arguments.any? { |word| word.start_with?("-l") }
    # Who wants to see a canary on probation says so; all others need not wait for it.
    config = "#{config}\ncanary_requests 0\n" unless config.match?(/^\s*canary_requests\b/)
    File.write(File.join(directory, "pitchfork.rb"), config)
    @command = command || [RbConfig.ruby, "-w", *ruby, "-I#{ROOT}/lib", "#{ROOT}/exe/pitchfork",
                           "-c", "pitchfork.rb", *arguments, "config.ru"]
    @descriptors = descriptors
    @log = +""
    @seen = 0
    @lock = Mutex.new
    @grown = ConditionVariable.new
  end

  # Starts the server. Does not wait for anything.
  def spawn
    reader, writer = IO.pipe
    @pid = Process.spawn(@env, *@command, chdir: directory, out: writer, err: writer, in: File::NULL, pgroup: true, **@descriptors)
    writer.close
    @collector = Thread.new { collect(reader) }
    self
  end

  # Starts the server and waits until all first workers are ready.
  def start
    spawn
    wait_for(/server ready/)
    self
  end

  # @return [String] all that the server has written so far
  def log
    @lock.synchronize { @log.dup }
  end

  # Waits for a line that no earlier wait has passed.
  #
  # @return [MatchData] of the line
  def wait_for(pattern, patience = PATIENCE)
    deadline = now + patience
    @lock.synchronize do
      loop do
        lines = @log.byteslice(@seen..).lines
        if (index = lines.index { |line| line.end_with?("\n") && line.match?(pattern) })
          @seen += lines.take(index + 1).sum(&:bytesize)
          return lines[index].match(pattern)
        end
        raise "the server has ended without a line like #{pattern.inspect}" if @ended
        raise "no line like #{pattern.inspect} within #{patience}s" unless (left = deadline - now).positive?

        @grown.wait(@lock, left)
      end
    end
  end

  # @return [Integer] the port of the first TCP listener
  def port
    Integer(log[%r{listening on http://\S*:(\d+)}, 1])
  end

  # One request on a connection of its own.
  def get(path = "/", headers = {})
    request(Net::HTTP::Get.new(path, headers))
  end

  def request(request)
    Net::HTTP.start("127.0.0.1", port, open_timeout: PATIENCE, read_timeout: PATIENCE, max_retries: 0) { |http| http.request(request) }
  end

  # Sends bytes and reads to the end of the connection.
  #
  # @return [String]
  def raw(bytes)
    TCPSocket.open("127.0.0.1", port) do |socket|
      socket.write(bytes)
      socket.read
    end
  end

  def signal(name, to: pid)
    Process.kill(name, to)
  end

  # @return [Array<Node>] the master and its children, by title
  def tree
    [node(pid), *children(pid).sort_by { |child| [child.title, child.pid] }].compact
  end

  def titles
    tree.map(&:title)
  end

  # @return [Node] the process whose title begins so
  def process(title)
    tree.find { |node| node.title.start_with?(title) } || raise("no process #{title.inspect} in #{titles.inspect}")
  end

  # @return [Array<Node>] all descendants
  def descendants(of = pid)
    children(of).flat_map { |child| [child, *descendants(child.pid)] }
  end

  # Waits until the processes are gone. A zombie is not gone, unless it is an orphan, whose new parent may take its time.
  def wait_gone(*pids)
    deadline = now + PATIENCE
    pids.flatten.each do |gone|
      while alive?(gone)
        raise "process #{gone} is still there: #{node(gone).inspect}" if now > deadline

        Process.wait(gone, Process::WNOHANG) if gone == pid
        sleep(0.005)
      end
    rescue Errno::ECHILD
      next
    end
  end

  # @return [Boolean] whether the process is there; a zombie is, unless it is an orphan
  def alive?(number)
    state, ppid = File.read("/proc/#{number}/stat").rpartition(")").last.split
    state != "Z" || ppid.to_i == pid || number == pid
  rescue Errno::ENOENT, Errno::ESRCH
    false
  end

  # Ends the server and waits for its end.
  #
  # @return [Process::Status]
  def stop(signal = :TERM)
    signal(signal)
    wait
  end

  # @return [Process::Status] of the master, once it has ended
  def wait
    return @status if @status

    Timeout.timeout(PATIENCE) { _, @status = Process.wait2(pid) }
    @collector.join(PATIENCE)
    @status
  end

  # Kills the master alone. While a child of it lives, the log is open.
  #
  # @return [Process::Status]
  def kill_master
    signal(:KILL)
    Timeout.timeout(PATIENCE) { _, @status = Process.wait2(pid) }
    @status
  end

  # @return [String] all that the server has written, once its last process has ended
  def whole_log
    @collector.join(PATIENCE) or raise "somebody still holds the log open"
    log
  end

  # For teardown: ends whatever is left, without mercy.
  def kill
    return if pid.nil?

    left = descendants.map(&:pid)
    kill_master unless @status
    (left | orphans).each { |child| kill_if_ours(child) }
    @collector.join(PATIENCE)
  end

  private

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  def collect(reader)
    loop do
      piece = reader.readpartial(64 * 1024)
      @lock.synchronize do
        @log << piece
        @grown.broadcast
      end
    end
  rescue EOFError, Errno::EIO # of a pipe, and of a terminal
    @lock.synchronize do
      @ended = true
      @grown.broadcast
    end
  end

  def children(of)
    Dir.glob("/proc/[0-9]*").filter_map { |path| node(File.basename(path).to_i) }.select { |node| node.ppid == of }
  end

  # @return [Node, nil]
  def node(number)
    ppid = File.read("/proc/#{number}/stat").rpartition(")").last.split[1].to_i
    Node.new(number, ppid, File.binread("/proc/#{number}/cmdline").tr("\0", " ").strip)
  rescue Errno::ENOENT, Errno::ESRCH
    nil
  end

  # What was forked while the master was being killed.
  def orphans
    Dir.glob("/proc/[0-9]*").map { |path| File.basename(path).to_i }.select do |number|
      number != Process.pid && File.readlink("/proc/#{number}/cwd") == directory
    rescue SystemCallError
      false
    end
  end

  def kill_if_ours(number)
    Process.kill(:KILL, number) if node(number)
  rescue Errno::ESRCH
    nil
  end
end
