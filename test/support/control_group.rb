# frozen_string_literal: true

# A memory control group for a server, below that of the test's own process; cgroups(7).
class ControlGroup
  # Raised where none can be made: without root, or where the hierarchy is read-only.
  Unavailable = Class.new(StandardError)

  Files = Struct.new(:limit, :usage, :cache, :kills)
  V1 = Files.new("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file", "memory.oom_control")
  V2 = Files.new("memory.max", "memory.current", "inactive_file", "memory.events")

  # @raise [Unavailable]
  def initialize(name)
    parent, @files = own
    # With version 2, the groups below have the controller only if the parent says so.
    File.write("#{parent}/cgroup.subtree_control", "+memory") if @files == V2
    @path = "#{parent}/#{name}"
    Dir.mkdir(@path)
    File.write("#{@path}/#{@files.limit}", (1 << 40).to_s)
  rescue SystemCallError => e
    raise Unavailable, e.message
  end

  # @param command [Array<String>]
  # @return [Array<String>] the same command, which enters the group first
  def enter(command)
    ["/bin/sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', @path, *command]
  end

  # @param bytes [Integer]
  def limit=(bytes)
    File.write("#{@path}/#{@files.limit}", bytes.to_s)
  end

  # @return [Integer] bytes, without the file cache that can be taken back
  def used
    Integer(read(@files.usage)) - read("memory.stat")[/^#{@files.cache} (\d+)/, 1].to_i
  end

  # @return [Integer] how many processes were killed for want of memory
  def kills
    read(@files.kills)[/^oom_kill (\d+)/, 1].to_i
  end

  # When its last process has ended.
  def remove
    Dir.rmdir(@path)
  rescue Errno::EBUSY
    sleep(0.01)
    retry
  end

  private

  def read(file)
    File.read("#{@path}/#{file}")
  end

  # @return [(String, Files)]
  def own
    groups = File.readlines("/proc/self/cgroup", chomp: true).map { |line| line.split(":", 3) }
    _, _, path = groups.find { |_, controllers, _| controllers.split(",").include?("memory") }
    return ["#{mount(/ cgroup \S+ (?:\S*,)?memory(?:,|$)/)}#{path}", V1] if path

    _, _, path = groups.find { |_, controllers, _| controllers.empty? } || raise(Unavailable, "there are no control groups")
    ["#{mount(/ cgroup2 /)}#{path}", V2]
  end

  def mount(filesystem)
    line = File.readlines("/proc/self/mountinfo").find { |candidate| candidate.partition(" - ").last.prepend(" ").match?(filesystem) }
    line ? line.split[4] : raise(Unavailable, "there is no memory controller")
  end
end
