# frozen_string_literal: true

require "pitchfork/cow/size"
require "pitchfork/report/table"

module Pitchfork
  module Cow
    module Who
      # A {Tally} for people.
      class Page
        TOP = 10 # lines of a table
        NOTHING = "un-shared: nothing while it was watched"
        LEAST = 0.005 # of the whole, to have a line
        FATES = {
          unshared: "un-shared: memory of the mold that the worker has written to, and has for itself now",
          new: "new: memory that the mold did not have",
          unknown: "un-shared or new: the worker carries no notes of its mold that could tell",
          files: "files: pages that were mapped in; reading un-shares nothing"
        }.freeze
        private_constant :TOP, :LEAST, :NOTHING, :FATES

        # @param worker [#to_s]
        # @param report [Report]
        # @param tally [Tally]
        def initialize(worker, report, tally)
          @worker = worker
          @report = report
          @tally = tally
        end

        # @return [String]
        def to_s
          [heading, *(NOTHING if kept?), *FATES.keys.map { |fate| section(fate) }, caveats].compact.join("\n\n")
        end

        private

        def heading
          requests, faults = [[@report.requests, "request"], [@report.faults, "page fault"]].map { |number, of| Size.count(number, of) }
          "#{@worker} was watched for #{format("%.1f", @report.seconds)} s, in which it has completed #{requests}: " \
            "#{faults} in its main thread, #{@report.samples.size} of them sampled"
        end

        def kept?
          %i[unshared unknown].all? { |fate| @tally.total(fate).samples.zero? }
        end

        def section(fate)
          total = @tally.total(fate)
          return if total.samples.zero?

          speed = @report.seconds.zero? ? 0 : total.bytes / @report.seconds
          sum = "#{FATES.fetch(fate)}\n#{percent(total)} of the faults, about #{Size.mib(total.bytes)}, #{Size.mib(speed)} a second"
          return sum if fate == :files

          tables = { "by Ruby method" => :methods, "by C function" => :functions, "by kind of memory" => :kinds }
          [sum, *tables.map { |title, way| table(title, @tally.public_send(way, fate)) }].join("\n\n")
        end

        def table(title, lines)
          placed = lines.any?(&:place)
          table = Pitchfork::Report::Table.new(title, "share", "MiB", *("defined at" if placed))
          shown = lines.first(TOP).take_while { |line| line.share >= LEAST }
          shown.each { |line| table << [line.name, percent(line), Size.column(line.bytes), *(line.place.to_s if placed)] }
          more = lines.drop(shown.size)
          table << ["#{more.size} more", percent(*more), Size.column(more.sum(&:bytes)), *("" if placed)] unless more.empty?
          table.plain
        end

        def percent(*lines)
          format("%.0f %%", 100 * lines.sum(&:share))
        end

        def caveats
          rate = @report.faults.fdiv([@report.samples.size, 1].max)
          [
            ("It ended early: there was no room for more samples." if @report.full?),
            ("Estimates: one fault in #{format("%.1f", rate)} was sampled; what has few samples may be luck." if rate > 1.05),
            "Not seen: other threads, what the kernel writes for a system call, what was un-shared before (so ask soon after a refork).",
            ("library+0x1234: a function whose name was stripped; addr2line -f -e LIBRARY 0x1234 knows it with debug symbols." if stripped?)
          ].compact.map { |line| "* #{line}" }.join("\n")
        end

        def stripped?
          @report.samples.any? { |sample| sample.function.match?(/\+0x\h+\z/) }
        end
      end
    end
  end
end
