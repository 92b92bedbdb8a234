# frozen_string_literal: true

require_relative "http_cases"

# In what this server differs from others, and why: test/http/differences.rb says it in these words, the differential test
# holds it to be true, and docs/http.md shows it.
class Differences
  # kind: :accepts what we refuse, :refuses what we accept, or :sees something else; versions: of the server, nil for all of
  # them; cases: names.
  Claim = Struct.new(:server, :kind, :versions, :cases) do
    def holds?(version)
      versions.nil? || Gem::Requirement.new(versions).satisfied_by?(Gem::Version.new(version))
    end
  end

  WORDS = { accepts: "accepts", refuses: "refuses", sees: "differs" }.freeze

  Row = Struct.new(:what, :why, :claims) do
    # @return [String] what we do: statuses of our own refusals
    def ours
      statuses = claims.flat_map(&:cases).map { |name| HttpCases.find(name) }.map { |one| one.refused? ? one.status.to_s : "accepts" }
      statuses.uniq.sort.join(", ")
    end

    # @return [String] what the server does
    def theirs(server)
      claims.select { |claim| claim.server == server }.group_by(&:kind).map do |kind, own|
        versions = own.map(&:versions).uniq
        # Some cases in some versions and some in all: the row is about all.
        versions.one? && versions.first ? "#{WORDS.fetch(kind)} (#{versions.first})" : WORDS.fetch(kind)
      end.join(", ")
    end

    # @return [String] of a Markdown table
    def to_s
      "| #{what} | #{ours} | #{theirs(:puma)} | #{theirs(:nginx)} | #{why} |"
    end
  end

  START = "<!-- generated from test/http/differences.rb: start -->"
  STOP = "<!-- generated from test/http/differences.rb: end -->"

  # Takes down what the servers do, for one row.
  class Claims
    attr_reader :all

    def initialize
      @all = []
    end

    %i[accepts refuses sees].each do |kind|
      # @param cases [Hash{String => Array<String>}] names of cases by their topics
      define_method(kind) do |*servers, versions: nil, **cases|
        names = cases.flat_map { |topic, own| own.map { |name| "#{topic}: #{name}" } }
        servers.each { |server| @all << Claim.new(server, kind, versions, names) }
      end
    end
  end

  class << self
    # @return [Array<Row>]
    def rows
      require File.expand_path("../http/differences", __dir__) unless @rows
      @rows
    end

    # Begins a row. The block says who does what.
    def row(what, why, &block)
      claims = Claims.new
      claims.instance_eval(&block)
      (@rows ||= []) << Row.new(what, why, claims.all)
    end

    # @return [Hash{String => Symbol}] names of the cases in which a server differs, and how
    def of(server, version)
      claims = rows.flat_map(&:claims).select { |claim| claim.server == server && claim.holds?(version) }
      claims.each_with_object({}) do |claim, all|
        claim.cases.each do |name|
          HttpCases.find(name)
          raise ArgumentError, "#{name} is said twice of #{server}" if all.key?(name)

          all[name] = claim.kind
        end
      end
    end

    # @return [String]
    def table
      ["| request | pitchfork | Puma | nginx | why |", "| --- | --- | --- | --- | --- |", *rows].join("\n")
    end

    # @param page [String] text of docs/http.md
    # @return [String] the same with the table as it has to be
    def render(page)
      page.sub(/(?<=^#{START}\n\n).*?(?=\n\n#{STOP}$)/m) { table }
    end
  end
end
