# frozen_string_literal: true

require "pitchfork/cow/advice"
require "pitchfork/cow/refork"
require "pitchfork/cow/size"
require "pitchfork/process_table"
require "pitchfork/report/table"

module Pitchfork
  module Cow
    # A {Snapshot} for people, in MiB.
    class Page
      WIDTH = 100 # of running text
      private_constant :WIDTH

      # @param snapshot [Snapshot]
      # @return [String]
      def self.of(snapshot)
        new(snapshot).to_s
      end

      # What was seen while a server was watched.
      #
      # @param samples [Array<Sample>]
      # @param path [String] of the picture
      # @return [String]
      def self.summary(samples, path)
        reforks = Refork.all(samples)
        counts = [Size.count(samples.size, "sample"), Size.count(reforks.size, "refork")]
        lines = ["#{path}: #{counts.join(" in #{samples.last.at.round} s, ")}"]
        return lines.first if reforks.empty?

        table = Report::Table.new("MiB private per worker", "at", "before", "after", "won back")
        reforks.each do |refork|
          table << ["refork to gen:#{refork.generation}", "#{refork.at.round} s",
                    *[refork.before, refork.after, refork.won].map { |bytes| bytes ? Size.column(bytes) : "-" }]
        end
        [*lines, "", table.plain].join("\n")
      end

      def initialize(snapshot)
        @snapshot = snapshot
      end

      # @return [String]
      def to_s
        [tree, regions, generations, work, preparation, advice].compact.join("\n\n")
      end

      private

      def tree
        table = Report::Table.new("process", "pid", "private", "shared", "PSS", "swap")
        members = @snapshot.members
        members.zip(ProcessTable.branches(members.map(&:depth))) do |member, branch|
          table << [branch + member.title.text[0, 60], member.pid, *columns(member.memory, :private, :shared, :pss, :swap)]
        end
        own, pss, swap = %i[private pss swap].map { |name| Size.column(@snapshot.total(name)) }
        table << ["all, in MiB", "", own, "", pss, swap]
        table.plain
      end

      def regions
        regions = @snapshot.regions.reject { |_, sizes| sizes.values.compact.all?(&:zero?) }
        return if regions.empty?

        names = [:private, *(%i[unshared fresh] if @snapshot.told_apart?), :shared, :swap]
        workers = @snapshot.workers.count(&:regions)
        table = Report::Table.new("MiB per worker", *names.map { |name| HEADINGS.fetch(name) })
        mean = ->(sizes) { names.map { |name| Size.column(sizes[name].to_i / workers) } }
        regions.each { |kind, sizes| table << [KINDS.fetch(kind, kind), *mean.(sizes)] }
        table << ["all", *mean.(names.to_h { |name| [name, regions.values.sum { |sizes| sizes[name].to_i }] })]
        table.plain
      end

      HEADINGS = { private: "private", unshared: "un-shared", fresh: "new", shared: "shared", swap: "swap" }.freeze
      KINDS = { ruby_heap: "Ruby's heap", method_bodies: "method bodies", malloc: "malloc", jit: "machine code (JIT)", stack: "stacks",
                file: "files", other: "other" }.freeze
      private_constant :HEADINGS, :KINDS

      def generations
        table = Report::Table.new("generation", "workers", "private", "shared", "of all")
        @snapshot.generations.each do |generation|
          own, shared = %i[private shared].map { |name| @snapshot.per_worker(name, generation.workers) }
          table << ["gen:#{generation.number}", generation.workers.size, Size.column(own), Size.column(shared),
                    Size.percent(shared, own + shared)]
        end
        table.plain unless @snapshot.workers.empty?
      end

      def work
        workers = @snapshot.workers.select(&:work)
        return if workers.empty?

        table = Report::Table.new("worker", "requests", "seconds of GC within", "and between")
        workers.each do |worker|
          table << [worker.title.text.delete_prefix("pitchfork "), worker.work.requests,
                    format("%.2f", worker.work.gc_within), format("%.2f", worker.work.gc_between)]
        end
        table.plain
      end

      def preparation
        notes = @snapshot.notes or return
        table = Report::Table.new("preparation of the mold, gen:#{notes.generation}", "seconds", "MiB")
        table << ["private before", "", Size.column(notes.before.first)] if notes.before
        notes.steps.each do |step|
          table << [step[:name], format("%.3f", step[:seconds]), format("%+.1f", step[:change].fdiv(Size::MIB))]
        end
        table.plain
      end

      def advice
        Advice.of(@snapshot).flat_map { |sentence| [fold(sentence.text), *sentence.settings.map { |line| "    #{line}" }] }.join("\n")
      end

      def columns(memory, *names)
        names.map { |name| Size.column(memory.fetch(name, 0)) }
      end

      # Settings are lines of their own; so only blanks break a sentence.
      def fold(text)
        text.gsub(/(.{1,#{WIDTH}})(?: |\z)/, "\\1\n").chomp.gsub("\n", "\n  ").prepend("* ")
      end
    end
  end
end
