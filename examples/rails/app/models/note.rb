# frozen_string_literal: true

# A line of text, and the process that wrote it.
class Note < ActiveRecord::Base
  validates :body, presence: true, length: { maximum: 200 }

  scope :latest, -> { order(id: :desc).limit(20) }
end
