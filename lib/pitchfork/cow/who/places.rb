# frozen_string_literal: true

module Pitchfork
  module Cow
    module Who
      # What memory is at an address, by the notes of the worker's mold and by the worker's mappings.
      class Places
        # @return [String, nil] of proc_pid_maps(5); nil when the process is gone
        def self.maps(pid)
          File.binread("/proc/#{pid}/maps")
        rescue Errno::ENOENT, Errno::ESRCH
          nil
        end

        # @param notes [Memory::Notes, nil]
        # @param maps [String]
        def initialize(notes, maps)
          @notes = notes
          @mappings = maps.lines.map { |line| mapping(line) }
        end

        # @return [Symbol] :unshared, when the mold had the page, too; :files, when it is a file's and was only read into; :new;
        #   or :unknown without notes
        def fate(address)
          return :unknown if @notes.nil?
          return :unshared if within(@notes.had, address)

          file?(address) ? :files : :new
        end

        # @return [String]
        def kind(address)
          return "Ruby's heap" if within(@notes&.heap, address)
          return "method bodies" if within(@notes&.code, address)

          _, _, flags, name = within(@mappings, address)
          case name
          when nil then "given back since"
          when "[heap]" then "malloc"
          when /\A\[stack/ then "stacks"
          when %r{\A/} then File.basename(name)
          else flags.include?("x") ? "machine code (JIT)" : anonymous(address)
          end
        end

        private

        # What the mold had of Ruby's heap is known.
        def anonymous(address)
          fate(address) == :unshared ? "malloc, stacks" : "Ruby's heap, malloc"
        end

        def file?(address)
          within(@mappings, address)&.last.to_s.start_with?("/")
        end

        # @return [Array, nil] of a sorted list, which begin with the first address and that behind the last
        def within(ranges, address)
          range = ranges&.bsearch { |_, behind| behind > address }
          range if range && range.first <= address
        end

        def mapping(line)
          addresses, flags, _, _, _, name = line.chomp.split(" ", 6)
          [*addresses.split("-").map { |address| address.to_i(16) }, flags, name.to_s.strip]
        end
      end
    end
  end
end
