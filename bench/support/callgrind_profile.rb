# frozen_string_literal: true

module Bench
  # What callgrind wrote: instructions by place, and who called whom how often.
  #
  # @see https://valgrind.org/docs/manual/cl-format.html
  class CallgrindProfile
    # An object file, a source file (that of an inlined function if it is known) and a function. With --separate-callers the
    # function's name goes on with those that called it: "malloc'grow'push".
    Place = Struct.new(:object, :file, :function)
    Call = Struct.new(:from, :to)
    # How often it was made, and what happened in it, including further calls.
    Cost = Struct.new(:times, :instructions)

    # @return [Hash{Place => Integer}] instructions of the place itself
    attr_reader :own
    # @return [Hash{Call => Cost}]
    attr_reader :calls

    # @param path [String] a file that callgrind has written
    # @return [CallgrindProfile]
    def self.read(path)
      new.tap { |profile| profile.read(File.foreach(path, chomp: true)) }
    end

    def initialize
      @own = Hash.new(0)
      @calls = Hash.new { |hash, call| hash[call] = Cost.new(0, 0) }
      @names = Hash.new { |hash, kind| hash[kind] = {} }
      @here = Place.new
      @callee = Place.new
    end

    # @param lines [Enumerator<String>]
    def read(lines)
      loop do
        case line = lines.next
        when /\A(c?)(ob|fl|fi|fe|fn)=(.*)/ then enter($1 == "c" ? @callee : @here, $2, name($2, $3))
        when /\Ac(fi|fl)=(.*)/ then enter(@callee, "fl", name("fl", $2))
        when /\Acalls=(\d+)/ then note_call($1.to_i, cost(lines.next))
        when /\A[\d+*-]/ then @own[@here.dup] += cost(line)
        end
      end
    end

    # @return [Integer]
    def total
      own.values.sum
    end

    # Adds up own instructions by what the block answers for their place.
    def by
      own.each_with_object(Hash.new(0)) { |(place, cost), sums| sums[yield(place)] += cost }
    end

    private

    def enter(place, kind, name)
      case kind
      when "ob" then place.object = name
      when "fn" then place.function = name
      else place.file = name
      end
      # A callee is in the caller's object and file unless it is said, and it is said before its function.
      @callee.object, @callee.file = @here.object, @here.file if place.equal?(@here)
    end

    # "(3) name" says that 3 stands for the name from now on.
    def name(kind, text)
      table = @names[kind.start_with?("f") && kind != "fn" ? "file" : kind]
      id, name = text.match(/\A(\(\d+\))(?: (.*))?\z/)&.captures
      return text unless id

      name ? table[id] = name : table.fetch(id)
    end

    def note_call(times, instructions)
      cost = @calls[Call.new(@here.dup, @callee.dup)]
      cost.times += times
      cost.instructions += instructions
      @callee = Place.new(@here.object, @here.file)
    end

    def cost(line)
      line.split.fetch(1, 0).to_i
    end
  end
end
