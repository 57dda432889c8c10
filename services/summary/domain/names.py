"""Who may be the owner of an action: common given names and what a name looks like. Pure."""

import re

_GIVEN = """
Aaron Abdul Abigail Adam Adrian Agnes Ahmed Aisha Alan Albert Alejandro Alex Alexander Alexandra
Alfred Ali Alice Alicia Alina Alison Amanda Amelia Amir Amy Ana Anastasia Andre Andrea Andreas
Andrew Andrzej Andy Angela Anja Anke Ann Anna Anne Annette Annika Anthony Anton Antonia Antonio
Anouk Ariane Arjun Arne Arnold Arthur Astrid Axel Barbara Bart Bas Bastian Beate Beatriz Ben
Benedikt Benjamin Benoit Bernd Bernhard Bert Bettina Bianca Bill Birgit Bjorn Bob Boris Bram
Brian Brigitte Bruno Camille Carina Carla Carlos Carmen Carol Caroline Carsten Catherine Cem
Charles Charlotte Chen Chiara Chloe Chris Christian Christiane Christina Christine Christoph
Christopher Claire Clara Claudia Claus Clemens Colin Conny Cornelia Craig Dan Daniel Daniela
Daan Dana Dave David Deborah Denise Dennis Derek Diana Diane Dick Diego Dieter Dietmar Dirk
Dmitri Dominik Don Donna Doris Dorothea Doug Ed Eddie Edgar Edith Eduard Eelco Elena Elias Elif
Elisabeth Elizabeth Ella Ellen Elke Emil Emilia Emily Emine Emma Emre Eric Erik Erika Ernst
Esther Eva Evelyn Ewa Fabian Fatima Fatma Felix Ferdinand Fernando Finn Florian Frank Francesca
Franz Fred Frederik Friederike Friedrich Fritz Gabi Gabriel Gabriele Gary George Georg Gerald
Gerd Gerhard Gesa Gijs Gisela Giulia Greg Gregor Greta Guido Gunnar Hanna Hannah Hannes Hans
Harald Harry Hartmut Hassan Heidi Heike Heiko Heinrich Heinz Helen Helena Helene Helga Helmut
Hendrik Henk Henning Henri Henry Herbert Hilde Holger Horst Hugo Ian Ibrahim Ida Igor Ines Inga
Inge Ingo Ingrid Irene Iris Isabel Isabella Ivan Jack Jackie Jacob Jacques Jake Jakob James Jan
Jana Jane Janet Janine Jannik Jasmin Jason Jean Jeff Jenny Jens Jeroen Jessica Jim Joachim Joan
Joanna Jochen Joe Joel Johan Johann Johanna Johannes John Jonas Jonathan Joost Jordan Jorge
Joris Jose Joseph Josef Josh Juan Juergen Julia Julian Julie Juliette Julius Jutta Kai Karen
Karin Karl Karla Karsten Katarina Kate Katharina Katherine Kathrin Katja Katrin Kay Keith Kelly
Kemal Ken Kerstin Kevin Kim Kirsten Klaas Klaus Koen Konrad Kristina Kurt Lara Lars Laura Lea
Lena Leo Leon Leonie Lex Li Lieke Lieven Lilly Linda Lina Linus Lisa Liz Lothar Lotte Louis
Louise Luca Lucas Lucia Lucy Ludwig Luis Luisa Lukas Lutz Maarten Magda Maike Malte Manfred
Manuel Manuela Mara Marc Marcel Marco Marcus Margaret Maria Marie Marieke Marijke Mario Marion
Marius Mark Marko Markus Marlene Marta Martha Martin Martina Mary Mateusz Mathias Matt Matthew
Matthias Matthieu Maurice Max Maximilian Maya Mehmet Mei Melanie Melissa Mia Micha Michael
Michel Michelle Miguel Mike Mila Milan Miriam Mirjam Mohamed Mohammed Monica Monika Moritz
Muhammad Murat Mustafa Nadia Nadine Nancy Natalie Natasha Nathan Neil Niels Nick Nicola Nicolas
Nicole Niko Nils Nina Noah Nora Norbert Oksana Ola Olaf Oleg Olga Oliver Olivia Oscar Oskar Otto
Pablo Pam Pamela Pascal Patricia Patrick Patrik Paul Paula Pauline Pedro Peter Petra Philip
Philipp Philippe Pierre Pieter Priya Rachel Rafael Rainer Raj Ralf Ralph Ramona Raphael Ravi
Rebecca Regina Reinhard Renate Ria Richard Rick Rita Rob Robert Robin Roger Roland Rolf Roman
Ron Rosa Ruben Rudolf Ruth Ryan Sabine Sabrina Sally Sam Samantha Samir Samuel Sander Sandra
Sanne Sara Sarah Sascha Scott Sean Sebastian Selma Sergei Sharon Silke Silvia Simon Simone Sina
Sofia Sofie Sonja Sophia Sophie Stefan Stefanie Steffen Stella Stephan Stephanie Stephen Steve
Steven Stijn Sue Susan Susanne Sven Svenja Svetlana Sylvia Tamara Tanja Tara Tatjana Ted Teresa
Theo Theresa Thijs Thilo Thomas Tim Timo Tina Tobias Tom Tomas Tony Torsten Tracy Udo Ulf Ulrich
Ulrike Ursula Uta Ute Uwe Valentina Valerie Vanessa Vera Veronika Victor Victoria Viktor Vincent
Vivian Vladimir Volker Walter Wei Werner Wibke Wilhelm Will Willem William Wim Wolfgang Wolfram
Wouter Xavier Yan Yannick Yasmin Yusuf Yvonne Zoe
"""

GIVEN_NAMES = frozenset(_GIVEN.split()) - {"Will", "Don"}

NAME = r"(?P<owner>[A-Z\u00c0-\u00de][\w'-]+(?: [A-Z\u00c0-\u00de][\w'-]+)?)"
"""What may be a name: one or two words with capitals."""

_TITLES = re.compile(r"^(?:Mr|Mrs|Ms|Dr|Herr|Frau|Meneer|Mevrouw|Monsieur|Madame)\.? ")


def is_name(text: str, *, begins_sentence: bool) -> bool:
    """Tell whether words with capitals name a person.

    A common given name does, and so does a title (Frau Berg). Capitals alone do not: products and
    places have them too, and an owner who was never meant is worse than none.
    """
    bare = _TITLES.sub("", text)
    first = bare.split()[0] if bare.split() else ""
    return first in GIVEN_NAMES or (bare != text and not begins_sentence)
