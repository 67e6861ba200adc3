// Starts the page.
import { mount } from 'svelte'
import App from './app.svelte'
import './style/tokens.css'
import './style/base.css'
import './style/parts.css'
import './style/list.css'

const target = document.getElementById('app')
if (!target) throw new Error('index.html has no #app')
mount(App, { target })
