"""By which endings of its name a file is taken for a video or for sound; its content decides what it is."""

from __future__ import annotations

_VIDEOS = (
    "264 265 266 3g2 3gp 3gp2 3gpp amv asf avc avi bik dav dif divx dv evo f4p f4v flc fli flv gif gxf h261 h263 "
    "h264 h265 h266 h26l hevc ismv ivf kux lrv m1v m2p m2t m2ts m2v m4p m4v mj2 mjpeg mjpg mk3d mkv mod mov mp2v mp4 "
    "mp4v mpe mpeg mpeg4 mpg mpg2 mpg4 mps mpv mts mxf nsv nut obu ogm ogv ogx psp pva qt rm rmvb roq smk tod tp "
    "trp ts ty vc1 viv vob vro vvc webm wm wmv wtv xvid y4m"
)
_SOUNDS = (
    "aa3 aac ac3 adts aif aifc aiff amr ape au caf dsf dts eac3 ec3 flac gsm isma m2a m4a m4b m4r mka mlp mp1 mp2 "
    "mp3 mpa mpc oga ogg oma opus ra shn snd spx tak thd tta voc w64 wav wave weba wma wv"
)

VIDEO_ENDINGS = tuple(f".{ending}" for ending in _VIDEOS.split())
SOUND_ENDINGS = tuple(f".{ending}" for ending in _SOUNDS.split())
