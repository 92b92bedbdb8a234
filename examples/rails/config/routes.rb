# frozen_string_literal: true

Rails.application.routes.draw do
  root "notes#index"
  resources :notes, only: %i[index show create]
  get "process" => "processes#show"
end
