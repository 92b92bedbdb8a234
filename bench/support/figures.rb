# frozen_string_literal: true

module Bench
  # Tables in the documentation, which are those of bench/results: whatever stands below a line such as
  #
  #   <!-- bench/results/cow-3.3.8.md, table 1 -->
  #
  # is replaced by that table (`rake docs:figures`). Where that was not measured yet, the page keeps what it has.
  module Figures
    ROOT = File.expand_path("../..", __dir__)
    TABLE = /^\|.*\n(?:\|.*\n)+/
    MARK = /^<!-- (bench\/results\/\S+), table (\d+) -->\n\n(?:#{TABLE})?/
    # Those that have such tables.
    PAGES = %w[docs/memory.md docs/gc.md].freeze
    private_constant :ROOT, :TABLE, :MARK

    # @param page [String] Markdown
    # @return [String] the same with the tables as they are now
    # @raise [KeyError] when the file has no such table
    def self.update(page)
      page.gsub(MARK) do |found|
        path, number = Regexp.last_match.captures
        path_of_results = File.join(ROOT, path)
        next found unless File.exist?(path_of_results)

        tables = File.read(path_of_results).scan(TABLE)
        table = tables[Integer(number) - 1] or raise KeyError, "#{path} has #{tables.size} tables, not #{number}"
        "#{found.lines.first}\n#{table}"
      end
    end
  end
end
